-- Reads some visits of one partition in the order of time and scan, or backwards.
--
-- KEYS: visits by time.
-- ARGV: the prefix of the visitors' keys; 'up' or 'down'; from when; until before when; the time and the member that the page before
-- ended with, or ''; how many visits to look at; then texts that a record must hold.
-- Returns the time and the member that this page ends with ('' if there is nothing behind it), and for each visit its member (scan and
-- visitor) and its value.

local call, sub, find = redis.call, string.sub, string.find
local prefix, is_up, from, to = ARGV[1], ARGV[2] == 'up', tonumber(ARGV[3]), tonumber(ARGV[4])
local last_at, last, many = ARGV[5], ARGV[6], tonumber(ARGV[7])

local start
if last ~= '' then
  local rank = call(is_up and 'ZRANK' or 'ZREVRANK', KEYS[1], last)
  if rank then
    start = rank + 1
  elseif is_up then
    start = call('ZCOUNT', KEYS[1], '-inf', '(' .. last_at)
  else
    start = call('ZCOUNT', KEYS[1], '(' .. last_at, '+inf')
  end
elseif is_up then
  start = call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[3])
else
  start = call('ZCOUNT', KEYS[1], ARGV[4], '+inf')
end

local rows = call(is_up and 'ZRANGE' or 'ZREVRANGE', KEYS[1], start, start + many - 1, 'WITHSCORES')
local found = { '', '' }
if #rows == 2 * many then found[1], found[2] = rows[#rows], rows[#rows - 1] end
for n = 1, #rows, 2 do
  local member, at = rows[n], tonumber(rows[n + 1])
  if is_up and at >= to or not is_up and at < from then
    found[1], found[2] = '', ''
    break
  end
  local value = call('HGET', prefix .. sub(member, 17, 32), sub(member, 1, 16))
  local passes = value
  for text = 8, #ARGV do passes = passes and find(value, ARGV[text], 1, true) end
  if passes then
    found[#found + 1] = member
    found[#found + 1] = value
  end
end
return found
