-- Notes that a visitor has joined a group, whether or not a seat was held.
--
-- ARGV[2..4]  visitor, group, now

local visitor, group, now = ARGV[2], ARGV[3], tonumber(ARGV[4])
local kept_ms = tonumber(redis.call('GET', KEYS[3]) or 0)
local text = redis.call('HGET', key_of(visitor), group)
local own = text and read_seat(text)
if own and own.state ~= HELD and kept_ms > 0 and own.ends < now - kept_ms then
    own = nil
end
if own and own.state == CONFIRMED then
    return 0
end
if own and own.state == HELD then
    add(group, 1, -1, 0)
    redis.call('ZREM', KEYS[2], visitor .. group)
else
    add(group, 1, 0, is_counted(own, head(group)) and -1 or 0)
end
own = own or { scan = string.rep('\0', 16), wanted = '' }
own.state, own.ends = CONFIRMED, now
write_seat(visitor, group, own, kept_ms)
write_heads()
return 1
