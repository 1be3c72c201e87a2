-- Removes the marks of who was forgotten before a moment.
--
-- KEYS: marks of the forgotten.
-- ARGV: milliseconds since 1970, how many at most.
-- Returns how many were removed.

local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, mark in ipairs(old) do redis.call('ZREM', KEYS[1], mark) end
return #old
