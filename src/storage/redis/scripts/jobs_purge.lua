
-- ARGV: milliseconds since 1970, how many at most. Lets go of what was done before that; returns how many those were.
local old = call('ZRANGEBYSCORE', done, '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(old) do call('ZREM', done, id) end
return #old
