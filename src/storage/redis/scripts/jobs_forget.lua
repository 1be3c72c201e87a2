
-- ARGV: visitor, how many at most. Returns how many were removed.
local list = list_of(ARGV[2])
local ids = call('HRANDFIELD', list, ARGV[3])
for _, id in ipairs(ids) do
  call('HDEL', jobs, id)
  call('ZREM', turns, id)
  call('ZREM', dead, id)
  call('HDEL', list, id)
end
return #ids
