-- Notes how far a deliverer is in one part of storage, unless something was lost there, and says what was noted before.
--
-- KEYS: deliverers -> "number milliseconds", marks of the forgotten; in the part of seats who delivers again by until when; the key that
-- never is.
-- ARGV: who, the number that is known, the number from now on, now, 'again' if it delivers again what was lost.
-- Returns the number that was noted before, how many marks there are, and when the last one was set.

-- Deliverers that are kept; beyond that those that were not heard of for so long are let go.
local MOST, SILENT_MS, DAY_MS, AGAIN_MS = 1000, 3456000000, 86400000, 10000
local call = redis.call
local who, known, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])

local function read(value)
    local number, at = string.match(value or '0 0', '^(%d+) (%d+)$')
    return tonumber(number) or 0, tonumber(at) or 0
end

local before, at = read(call('HGET', KEYS[1], who))
local is_other = before ~= tonumber(ARGV[3])
if before >= known and (is_other or (before > 0 and now - at > DAY_MS)) then
    if call('HLEN', KEYS[1]) >= MOST then
        local all = call('HGETALL', KEYS[1])
        for field = 1, #all, 2 do
            local _, seen = read(all[field + 1])
            if now - seen > SILENT_MS then call('HDEL', KEYS[1], all[field]) end
        end
    end
    call('HSET', KEYS[1], who, ARGV[3] .. ' ' .. ARGV[4])
end
if not KEYS[4] then
    -- Scripts are put off while a slot moves because this key is not there. Whatever made it, it goes.
    if call('EXISTS', KEYS[3]) == 1 then call('DEL', KEYS[3]) end
elseif ARGV[5] == 'again' then
    call('ZADD', KEYS[3], string.format('%d', now + AGAIN_MS), who)
elseif call('ZSCORE', KEYS[3], who) then
    call('ZREM', KEYS[3], who)
end
local last = call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return { before, call('ZCARD', KEYS[2]), tonumber(last[2] or 0) }
