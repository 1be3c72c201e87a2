-- Changes a card and counters, if the card's revision is the expected one.
--
-- KEYS: cards of its kind, the days with counters. All keys are of one partition.
-- ARGV: the prefix of a day's counters, the card's id, the expected revision, the visitor it is about or '', 1 if the card is in that
-- visitor's list for sure, 'put' or 'remove', the body; then day, what is counted and by how much for each counter.
-- Returns 1 and the new revision, 0 and the current one if another was expected, or 2 if the card has to be put into the visitor's list
-- first; and the visitor that the card was about.
--
-- A value is the revision, '+' and the 16 bytes of the visitor or ':' for none, and the body.

local call, sub = redis.call, string.sub
local id, visitor = ARGV[2], ARGV[4]
local found = call('HGET', KEYS[1], id)
local current, was = 0, ''
if found then
  local digits, mark = string.match(found, '^(%d+)([+:])')
  current = tonumber(digits)
  if mark == '+' then was = sub(found, #digits + 2, #digits + 17) end
end
if tonumber(ARGV[3]) ~= current then return { 0, current, was } end

local revision = 0
if ARGV[6] == 'put' then
  if visitor ~= '' and visitor ~= was and ARGV[5] ~= '1' then return { 2, current, was } end
  revision = current + 1
  call('HSET', KEYS[1], id, string.format('%d', revision) .. (visitor ~= '' and '+' or ':') .. visitor .. ARGV[7])
else
  call('HDEL', KEYS[1], id)
end
for at = 8, #ARGV, 3 do
  local day, what = ARGV[at], ARGV[at + 1]
  local key = ARGV[1] .. day
  if call('HINCRBY', key, what, ARGV[at + 2]) == 0 then
    call('HDEL', key, what)
    if call('EXISTS', key) == 0 then call('ZREM', KEYS[2], day) end
  else
    call('ZADD', KEYS[2], day, day)
  end
end
return { 1, revision, was }
