
-- ARGV: milliseconds since 1970, how many at most. Removes the jobs that were given up before that; returns how many those were.
local old = call('ZRANGEBYSCORE', dead, '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(old) do
  local value = call('HGET', jobs, id)
  local visitor = value and split(value).visitor or ''
  call('HDEL', jobs, id)
  call('ZREM', dead, id)
  if visitor ~= '' then call('HDEL', list_of(visitor), id) end
end
return #old
