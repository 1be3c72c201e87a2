-- Forgets the seats of a visitor. Held seats go on counting as shows without a join, under nobody's name.
--
-- ARGV[2..3]  visitor; a visit whose seats alone are meant, or ""
-- Returns how many seats there were.

local visitor, scan, gone = ARGV[2], ARGV[3], 0
local fields = redis.call('HGETALL', key_of(visitor))
for at = 1, #fields, 2 do
    local seat = read_seat(fields[at + 1])
    if scan == '' or seat.scan == scan then
        if seat.state == HELD then
            add(fields[at], 0, -1, 1)
        end
        drop_seat(visitor, fields[at])
        gone = gone + 1
    end
end
write_heads()
return gone
