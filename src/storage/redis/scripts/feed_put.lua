
-- ARGV: id, visitor or '', value; for each entry. One that is known is left out.
for at = 2, #ARGV, 3 do
  local id = ARGV[at]
  if call('HEXISTS', numbers, id) == 0 then
    keep(text(call('INCR', last)), id, ARGV[at + 1], ARGV[at + 2])
  end
end
return 0
