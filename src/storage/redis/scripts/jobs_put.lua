
-- ARGV: id, milliseconds from which it is ready, visitor or '', value; for each job. One that is known is left out.
for at = 2, #ARGV, 4 do
  local id = ARGV[at]
  if call('HEXISTS', jobs, id) == 0 and not call('ZSCORE', done, id) then
    call('HSET', jobs, id, ARGV[at + 3])
    call('ZADD', turns, ARGV[at + 1], id)
    if ARGV[at + 2] ~= '' then call('HSET', list_of(ARGV[at + 2]), id, '') end
  end
end
return 0
