-- Removes consents that were given last before a moment, of the visitors of one key.
--
-- KEYS: the key, the keys of consents by their oldest one.
-- ARGV: the key's name there, milliseconds since 1970, how many at most.
-- Returns how many were removed.

local call = redis.call
local before, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local values = call('HGETALL', KEYS[1])
local removed, oldest = 0, nil
for n = 1, #values, 2 do
  local value, from, out = values[n + 1], 1, {}
  while from <= #value do
    local name, first, last
    name, first, last, from = struct.unpack('>Bc0i7i7', value, from)
    if last < before and removed < limit then
      removed = removed + 1
    else
      out[#out + 1] = struct.pack('>Bc0i7i7', #name, name, first, last)
      if not oldest or last < oldest then oldest = last end
    end
  end
  local new = table.concat(out)
  if new == '' then
    call('HDEL', KEYS[1], values[n])
  elseif new ~= value then
    call('HSET', KEYS[1], values[n], new)
  end
end
if oldest then
  call('ZADD', KEYS[2], string.format('%.0f', oldest), ARGV[1])
else
  call('ZREM', KEYS[2], ARGV[1])
end
return removed
