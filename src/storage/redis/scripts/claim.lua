-- Says whose visits are, the first visitor for ever, and keeps the steps of those that nobody knows yet.
--
-- KEYS: marks of the forgotten.
-- ARGV: the prefix of all other keys of this partition (whose visits of a minute are, the early steps of one), for how many seconds
-- early steps are kept; then four for each visit: scan, its mark, visitor or '', steps.
-- Returns for each: '' if it was forgotten, '-' if nobody knows whose it is, else the visitor and, if there are any, early steps.

local call, byte, sub = redis.call, string.byte, string.sub
local prefix, life = ARGV[1], ARGV[2]
local has_marks = call('EXISTS', KEYS[1]) == 1

-- Of each kind the earliest: a byte of flags, and 7 bytes for each.
local function merged(one, other)
  local times, parts, mask = {}, {}, 0
  for _, steps in ipairs({ one, other }) do
    local at = 2
    for kind = 0, 4 do
      if bit.band(byte(steps), 2 ^ kind) ~= 0 then
        local time = struct.unpack('>i7', steps, at)
        if not times[kind] or time < times[kind] then times[kind] = time end
        at = at + 7
      end
    end
  end
  for kind = 0, 4 do
    if times[kind] then
      mask = mask + 2 ^ kind
      parts[#parts + 1] = struct.pack('>i7', times[kind])
    end
  end
  return string.char(mask) .. table.concat(parts)
end

local replies = {}
for at = 3, #ARGV, 4 do
  local scan, mark, visitor, steps = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local reply
  if has_marks and call('ZSCORE', KEYS[1], mark) then
    reply = ''
  else
    local key = prefix .. 'w' .. sub(scan, 1, 4)
    local owner = call('HGET', key, scan)
    if not owner and visitor ~= '' then
      owner = visitor
      call('HSET', key, scan, visitor)
    end
    local early_key = prefix .. 'e' .. scan
    local early = call('GET', early_key)
    if owner then
      reply = owner .. (early or '')
    else
      call('SET', early_key, early and merged(early, steps) or steps, 'EX', life)
      reply = '-'
    end
  end
  replies[#replies + 1] = reply
end
return replies
