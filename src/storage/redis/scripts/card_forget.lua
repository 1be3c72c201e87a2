-- Removes a card if it is about a visitor; the rest of a value stands in card.lua.
--
-- KEYS: cards of its kind. ARGV: the card's id, the visitor.
-- Returns 1 if it was removed.

local found = redis.call('HGET', KEYS[1], ARGV[1])
local digits = found and string.match(found, '^(%d+)%+')
if not digits or string.sub(found, #digits + 2, #digits + 17) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
