-- Counts seats that were shown while storage did not answer, whether or not there is room.
--
-- ARGV[2..4]  now, hold_ms, remember_ms; then for each claim: visitor, visit, group, wanted, when the group was shown

local now, hold_ms, remember_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- Whether another seat of the same visit, or for the same wish, stands above a claim whose hold ends then. Held seats that do not
-- are left.
local function yields(visitor, group, scan, wanted, ends, seats)
    local left = {}
    for other, seat in pairs(seats) do
        if other ~= group and seat.state ~= GIVEN_BACK and (seat.scan == scan or seat.wanted == wanted) then
            if seat.state == CONFIRMED or seat.ends > ends then
                return true
            end
            left[#left + 1] = other
        end
    end
    for _, other in ipairs(left) do
        drop_seat(visitor, other)
        add(other, 0, -1, 0)
    end
    return false
end

local function claim(visitor, scan, group, wanted, ends)
    local seats = seats_of(visitor, now - remember_ms)
    local own = seats[group]
    if own and own.state == CONFIRMED then
        return
    end
    if own and own.state == HELD then
        own.ends, own.wanted = math.max(own.ends, ends), wanted
        return write_seat(visitor, group, own, hold_ms + remember_ms)
    end
    -- It was counted before, or the group was shown again since.
    if own and (own.scan == scan or own.ends >= ends) then
        return
    end
    if yields(visitor, group, scan, wanted, ends, seats) then
        return
    end
    local before = is_counted(own, head(group)) and 1 or 0
    local seat = { state = ends > now and HELD or GIVEN_BACK, ends = ends, scan = scan, wanted = wanted }
    if seat.state == HELD then
        add(group, 0, 1, -before)
    else
        add(group, 0, 0, (is_counted(seat, head(group)) and 1 or 0) - before)
    end
    write_seat(visitor, group, seat, hold_ms + remember_ms)
end

for arg = 5, #ARGV, 5 do
    claim(ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3], tonumber(ARGV[arg + 4]) + hold_ms)
end
write_heads()
return redis.status_reply('OK')
