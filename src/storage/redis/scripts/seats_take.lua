-- Gives each wish a seat, or none.
--
-- ARGV[2..8]  now, hold_ms, join_rate, remember_ms, wishes, who asks, what has to be noted of them; then for each wish: visitor, visit, wanted, flags
--             ("l" least filled first, "w" these are all rungs, "p" a peek), rungs; for each rung: groups; for each: id, capacity
-- Returns nothing where not all seats are counted, else three numbers for each wish: 0 none, 1 taken, 2 kept; the rung and the place in it, from 0.

local ENDED_MAX = 200
local now, hold_ms, rate = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local remember_ms, wishes = tonumber(ARGV[5]), tonumber(ARGV[6])
local next_arg = 9

local function arg()
    next_arg = next_arg + 1
    return ARGV[next_arg - 1]
end

local function read_wish()
    local wish = { visitor = arg(), scan = arg(), wanted = arg(), rungs = {} }
    local flags = arg()
    wish.is_least_filled = string.find(flags, 'l') ~= nil
    wish.is_whole = string.find(flags, 'w') ~= nil
    wish.is_peek = string.find(flags, 'p') ~= nil
    for rung = 1, tonumber(arg()) do
        local offers = {}
        for place = 1, tonumber(arg()) do
            offers[place] = { group = arg(), capacity = tonumber(arg()) }
        end
        wish.rungs[rung] = offers
    end
    return wish
end

local function is_holding(seat)
    return seat and seat.state ~= GIVEN_BACK
end

local function is_for_same(seat, wish)
    return is_holding(seat) and seat.wanted == wish.wanted
end

-- One visit holds one seat: the code of the other one is no longer on the screen.
local function leave_others(wish, group, seats)
    for other, seat in pairs(seats) do
        if other ~= group and seat.state == HELD and seat.scan == wish.scan then
            drop_seat(wish.visitor, other)
            add(other, 0, -1, 0)
        end
    end
end

local function keep(wish, group, seats)
    if wish.is_peek then
        return
    end
    local own = seats[group]
    local is_worn = own.ends - now < math.floor(hold_ms / 10) * 9
    if own.state == HELD and (is_worn or own.wanted ~= wish.wanted) then
        own.ends, own.wanted = now + hold_ms, wish.wanted
        write_seat(wish.visitor, group, own, hold_ms + remember_ms)
    end
    leave_others(wish, group, seats)
end

local function sit(wish, group, seats)
    if wish.is_peek then
        return
    end
    add(group, 0, 1, is_counted(seats[group], head(group)) and -1 or 0)
    local seat = { state = HELD, ends = now + hold_ms, scan = wish.scan, wanted = wish.wanted }
    write_seat(wish.visitor, group, seat, hold_ms + remember_ms)
    leave_others(wish, group, seats)
end

-- The place of the group that has room and is next; one that the visitor was shown before goes first.
local function with_room(wish, offers, seats)
    local best, least
    for pass = 1, 2 do
        for place, offer in ipairs(offers) do
            local own = seats[offer.group]
            if (own ~= nil) == (pass == 1) then
                local it = head(offer.group)
                local given_back = it.given_back - (is_counted(own, it) and 1 or 0)
                local taken = (it.members or 0) + it.confirmed + it.held + math.max(given_back, 0) * rate
                if taken + 1 <= offer.capacity then
                    if pass == 1 or not wish.is_least_filled then
                        return place
                    end
                    local filled = taken / math.max(offer.capacity, 1)
                    if not least or filled < least then
                        best, least = place, filled
                    end
                end
            end
        end
    end
    return best
end

local function serve(wish)
    local seats = seats_of(wish.visitor, now - remember_ms)
    for rung, offers in ipairs(wish.rungs) do
        for place, offer in ipairs(offers) do
            if is_for_same(seats[offer.group], wish) then
                keep(wish, offer.group, seats)
                return 2, rung, place
            end
        end
    end
    if not wish.is_whole then
        for _, seat in pairs(seats) do
            if is_for_same(seat, wish) then
                return 0, 1, 1
            end
        end
    end
    for rung, offers in ipairs(wish.rungs) do
        for place, offer in ipairs(offers) do
            if is_holding(seats[offer.group]) then
                keep(wish, offer.group, seats)
                return 2, rung, place
            end
        end
        local place = with_room(wish, offers, seats)
        if place then
            sit(wish, offers[place].group, seats)
            return 1, rung, place
        end
    end
    return 0, 1, 1
end

if has_lost(ARGV[7], ARGV[8], now) then
    return {}
end
if redis.call('GET', KEYS[3]) ~= ARGV[5] then
    redis.call('SET', KEYS[3], ARGV[5])
end
end_holds(now, ENDED_MAX)
local answer = {}
for _ = 1, wishes do
    local what, rung, place = serve(read_wish())
    answer[#answer + 1] = what
    answer[#answer + 1] = rung - 1
    answer[#answer + 1] = place - 1
end
write_heads()
return answer
