
-- ARGV: visitor, how many at most. Returns how many were removed.
local list = list_of(ARGV[2])
local of_visitor = call('SRANDMEMBER', list, ARGV[3])
for _, number in ipairs(of_visitor) do
  local value = call('HGET', entries, number)
  if value then remove(number, value) end
  call('SREM', list, number)
end
return #of_visitor
