
-- ARGV: milliseconds since 1970, how many numbers to look at from the first on, how many entries to remove at most.
-- Returns how many entries of before that were removed, and whether it is worth while to go on.
local before, removed = tonumber(ARGV[2]), 0
local from, ends = tonumber(call('GET', first) or 1), tonumber(call('GET', last) or 0)
local to = math.min(from + tonumber(ARGV[3]) - 1, ends)
local is_front, start = true, from
for number = from, to do
  local value = call('HGET', entries, text(number))
  if value then
    local at, visitor = struct.unpack('>i7Bc0', value)
    if at < before and removed < tonumber(ARGV[4]) then
      remove(text(number), value)
      if visitor ~= '' then call('SREM', list_of(visitor), text(number)) end
      removed = removed + 1
    else
      is_front = false
    end
  end
  if is_front then start = number + 1 end
end
if start ~= from then call('SET', first, text(start)) end
return { removed, (start ~= from and start <= ends) and 1 or 0 }
