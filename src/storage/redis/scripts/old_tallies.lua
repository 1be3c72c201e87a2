-- Removes some cells of a day's tallies.
--
-- KEYS: tallies, tallies of what was removed, the days with tallies.
-- ARGV: the day, how many cells at most.
-- Returns how many were removed.

local call, limit = redis.call, tonumber(ARGV[2])
local removed = 0
for n = 1, 2 do
  local cursor = '0'
  repeat
    local page = call('HSCAN', KEYS[n], cursor, 'COUNT', 500)
    cursor = page[1]
    for at = 1, #page[2], 2 do
      local cell = page[2][at]
      if cell ~= '' and removed < limit then removed = removed + call('HDEL', KEYS[n], cell) end
    end
  until cursor == '0' or removed >= limit
end
local function is_empty(key)
  local left = call('HLEN', key)
  return left == 0 or left == 1 and call('HEXISTS', key, '') == 1
end
if is_empty(KEYS[1]) and is_empty(KEYS[2]) then
  call('DEL', KEYS[1], KEYS[2])
  call('ZREM', KEYS[3], ARGV[1])
end
return removed
