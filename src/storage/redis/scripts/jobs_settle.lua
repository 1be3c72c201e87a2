
-- ARGV: id, how often it was taken, 'done', 'again' or 'dead', the moment that belongs to it, the cause.
-- Returns 1; 0 if somebody else has taken the job since.
local id, what, at = ARGV[2], ARGV[4], ARGV[5]
local value = call('HGET', jobs, id)
if not value or not call('ZSCORE', turns, id) then return 0 end
local it = split(value)
if it.tries ~= tonumber(ARGV[3]) then return 0 end
if what == 'done' then
  -- Of a job that is done only the id is kept: it may name a customer, its body says more.
  call('HDEL', jobs, id)
  call('ZREM', turns, id)
  call('ZADD', done, at, id)
  if it.visitor ~= '' then call('HDEL', list_of(it.visitor), id) end
  return 1
end
it.cause = ARGV[6]
call('HSET', jobs, id, whole(it))
if what == 'again' then
  call('ZADD', turns, at, id)
else
  call('ZREM', turns, id)
  call('ZADD', dead, at, id)
end
return 1
