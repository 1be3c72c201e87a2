
-- ARGV: after which number, how many numbers to look at, how many entries and about how many bytes to hand over.
-- Returns up to which number this went ('' if nothing is behind it), and number and value for each entry.
local from = math.max(tonumber(ARGV[2]) + 1, tonumber(call('GET', first) or 1))
local to, ends = from + tonumber(ARGV[3]) - 1, tonumber(call('GET', last) or 0)
local found, bytes, number, left = { '' }, 0, from, tonumber(ARGV[4])
while number <= to and number <= ends and left > 0 and bytes < tonumber(ARGV[5]) do
  local value = call('HGET', entries, text(number))
  if value then
    found[#found + 1] = text(number)
    found[#found + 1] = value
    bytes, left = bytes + #value, left - 1
  end
  number = number + 1
end
if number <= ends then found[1] = text(number - 1) end
return found
