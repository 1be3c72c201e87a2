
-- ARGV: id, visitor or '', value; for each entry. One that is known is left out.
-- Numbers begin at the time in microseconds, so that those of a server that lost everything are above all that were given out before.
if call('EXISTS', last) == 0 then
  local now = call('TIME')
  local start = tonumber(now[1]) * 1000000 + tonumber(now[2])
  call('SET', last, text(start))
  call('SET', first, text(start + 1))
end
for at = 2, #ARGV, 3 do
  local id = ARGV[at]
  if call('HEXISTS', numbers, id) == 0 then
    keep(text(call('INCR', last)), id, ARGV[at + 1], ARGV[at + 2])
  end
end
return 0
