-- Keeps consents of visitors of one partition: of each notice the first and the last time.
--
-- KEYS: marks of the forgotten, the keys of consents by their oldest one.
-- ARGV: the prefix of those keys; then 'keep', visitor, its mark, notice, milliseconds since 1970, or 'forget', visitor, '', '', ''.
-- Returns how many were forgotten.
--
-- A value is, for each notice: a byte of its length, itself, and 7 bytes each of the first and the last time.

local call, sub = redis.call, string.sub
local prefix, forgotten, times = ARGV[1], KEYS[1], KEYS[2]
local has_marks = call('EXISTS', forgotten) == 1
local removed = 0

-- The key of a visitor's consents: the first bits of its time, so that a key holds those of 35 minutes.
local function time_of(visitor)
  local third = bit.band(string.byte(visitor, 4), 224)
  return sub(visitor, 1, 3) .. string.char(third)
end

local function keep(visitor, notice, at)
  local time = time_of(visitor)
  local key = prefix .. time
  local value = call('HGET', key, visitor) or ''
  local from, out, is_found = 1, {}, false
  while from <= #value do
    local name, first, last
    name, first, last, from = struct.unpack('>Bc0i7i7', value, from)
    if name == notice then
      is_found = true
      first, last = math.min(first, at), math.max(last, at)
    end
    out[#out + 1] = struct.pack('>Bc0i7i7', #name, name, first, last)
  end
  if not is_found then out[#out + 1] = struct.pack('>Bc0i7i7', #notice, notice, at, at) end
  local new = table.concat(out)
  if new ~= value then
    call('HSET', key, visitor, new)
    call('ZADD', times, 'LT', string.format('%.0f', at), time)
  end
end

for at = 2, #ARGV, 5 do
  local visitor = ARGV[at + 1]
  if ARGV[at] == 'keep' then
    local mark = has_marks and tonumber(call('ZSCORE', forgotten, ARGV[at + 2]) or nil)
    local moment = tonumber(ARGV[at + 4])
    if not mark or moment > mark then keep(visitor, ARGV[at + 3], moment) end
  else
    local key = prefix .. time_of(visitor)
    local value, from = call('HGET', key, visitor) or '', 1
    while from <= #value do
      from = select(4, struct.unpack('>Bc0i7i7', value, from))
      removed = removed + 1
    end
    call('HDEL', key, visitor)
    if call('EXISTS', key) == 0 then call('ZREM', times, time_of(visitor)) end
  end
end
return removed
