-- What all scripts of seats share; each script follows this text. All keys are of the hash tag of seats.
--
-- KEYS[1]  heads: group -> "members counted_at confirmed held given_back", "-" where nobody ever counted; behind it how many seats
--          were held or given back before storage lost them, until all that are kept anywhere are counted again
-- KEYS[2]  ends of holds: visitor (16 bytes) and group, by the moment in milliseconds
-- KEYS[3]  for how many milliseconds a seat that was given back is remembered
-- KEYS[5]  where seats are given and counted: how far deliverers are
-- KEYS[6]  likewise: deliverers that deliver again what was lost, by the moment until which that holds
-- ARGV[1]  the beginning of the names of visitors' keys. Which visitors a script touches is known only inside it (holds that
--          end, seats elsewhere), so their names are made here, with the tag of the other keys.
--
-- A visitor's key: group -> state (1 byte), end of the hold or moment of the join (6), visit (16), wanted.

local HELD, GIVEN_BACK, CONFIRMED = 0, 1, 2
-- Seats that are kept of one visitor; beyond that the oldest that was given back is forgotten.
local SEATS_MAX = 128
-- A visitor's key outlives what it remembers by a day.
local SLACK_MS = 86400000

local heads = {}
-- Whether nobody delivers again what was lost.
local is_whole = false

local function head(group)
    local it = heads[group]
    if it then
        return it
    end
    it = { confirmed = 0, held = 0, given_back = 0 }
    local text = redis.call('HGET', KEYS[1], group)
    if text then
        local members, at, confirmed, held, given_back, lost =
            string.match(text, '^(%S+) (%S+) (%d+) (%d+) (%d+) ?(%d*)$')
        if not members then
            error({ err = 'WRONGTYPE the count of a group is not readable' })
        end
        it.members, it.at = tonumber(members), tonumber(at)
        it.confirmed, it.held, it.given_back = tonumber(confirmed), tonumber(held), tonumber(given_back)
        it.lost = tonumber(lost)
    end
    if it.lost and is_whole then
        -- Those that no instance has kept were given back long ago.
        it.given_back = math.max(it.given_back, it.lost - it.held)
        it.lost, it.is_changed = nil, true
    end
    heads[group] = it
    return it
end

-- Adds to the counters of a group; none goes below zero.
local function add(group, confirmed, held, given_back)
    local it = head(group)
    it.confirmed = math.max(it.confirmed + confirmed, 0)
    it.held = math.max(it.held + held, 0)
    it.given_back = math.max(it.given_back + given_back, 0)
    it.is_changed = true
end

local function write_heads()
    for group, it in pairs(heads) do
        if it.is_changed then
            if not it.members and it.confirmed + it.held + it.given_back + (it.lost or 0) == 0 then
                redis.call('HDEL', KEYS[1], group)
            else
                local members = it.members and string.format('%d %d', it.members, it.at) or '- -'
                redis.call('HSET', KEYS[1], group,
                    string.format('%s %d %d %d', members, it.confirmed, it.held, it.given_back)
                        .. (it.lost and string.format(' %d', it.lost) or ''))
            end
        end
    end
end

local function key_of(visitor)
    return ARGV[1] .. visitor
end

local function packed(state, ends, scan, wanted)
    return string.char(state) .. struct.pack('>I6', math.max(ends, 0)) .. scan .. wanted
end

local function read_seat(text)
    if #text < 23 then
        error({ err = 'WRONGTYPE a seat is not readable' })
    end
    local ends = struct.unpack('>I6', text, 2)
    return { state = string.byte(text), ends = ends, scan = string.sub(text, 8, 23), wanted = string.sub(text, 24) }
end

-- Every seat that a visitor has and had, by group. What is older than this is forgotten.
local function seats_of(visitor, before)
    local key, seats, count = key_of(visitor), {}, 0
    local oldest
    local fields = redis.call('HGETALL', key)
    for at = 1, #fields, 2 do
        local seat = read_seat(fields[at + 1])
        if seat.state ~= HELD and seat.ends < before then
            redis.call('HDEL', key, fields[at])
        else
            seat.group = fields[at]
            seats[seat.group] = seat
            count = count + 1
            if seat.state == GIVEN_BACK and (not oldest or seat.ends < oldest.ends) then
                oldest = seat
            end
        end
    end
    if count >= SEATS_MAX and oldest then
        redis.call('HDEL', key, oldest.group)
        seats[oldest.group] = nil
    end
    return seats
end

local function write_seat(visitor, group, seat, kept_ms)
    local key = key_of(visitor)
    redis.call('HSET', key, group, packed(seat.state, seat.ends, seat.scan, seat.wanted))
    if seat.state == HELD then
        redis.call('ZADD', KEYS[2], seat.ends, visitor .. group)
    end
    redis.call('PEXPIRE', key, kept_ms + SLACK_MS)
end

local function drop_seat(visitor, group)
    redis.call('HDEL', key_of(visitor), group)
    redis.call('ZREM', KEYS[2], visitor .. group)
end

-- Gives back the seats whose time is over, at most so many; returns how many these were.
local function end_holds(now, most)
    local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', now), 'LIMIT', 0, most)
    if #ended > 0 then
        -- These are the first ones: the order by score and member is the order of ranks.
        redis.call('ZREMRANGEBYRANK', KEYS[2], 0, #ended - 1)
    end
    for _, member in ipairs(ended) do
        local key, group = key_of(string.sub(member, 1, 16)), string.sub(member, 17)
        add(group, 0, -1, 1)
        local text = redis.call('HGET', key, group)
        if text and string.byte(text) == HELD then
            redis.call('HSET', key, group, string.char(GIVEN_BACK) .. string.sub(text, 2))
        end
    end
    return #ended
end

-- Whether a seat that was given back still stands in the estimate, and not in a count that came later.
local function is_counted(seat, it)
    return seat and seat.state == GIVEN_BACK and (not it.at or seat.ends > it.at)
end

-- Whether seats that were taken before are not all counted here: what a deliverer knows to have been noted is gone, or somebody
-- delivers again what was lost.
local function has_lost(who, number, now)
    if who ~= '' then
        local noted = string.match(redis.call('HGET', KEYS[5], who) or '', '^%d+')
        if (tonumber(noted) or 0) < tonumber(number) then
            return true
        end
    end
    is_whole = redis.call('ZCOUNT', KEYS[6], string.format('(%d', now), '+inf') == 0
    return not is_whole
end
