
-- ARGV: now, how many at most, and the id if it is one alone. Returns how many are ready again.
local ids = ARGV[4] and { ARGV[4] } or call('ZRANGE', dead, 0, tonumber(ARGV[3]) - 1)
local again = 0
for _, id in ipairs(ids) do
  if call('ZREM', dead, id) == 1 then
    local it = split(call('HGET', jobs, id))
    it.tries = 0
    call('HSET', jobs, id, whole(it))
    call('ZADD', turns, ARGV[2], id)
    again = again + 1
  end
end
return again
