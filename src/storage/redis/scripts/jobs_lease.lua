
-- ARGV: now, until when they are taken, how many at most. Returns id, since when it was ready, and value for each.
local found, rows = {}, call('ZRANGEBYSCORE', turns, '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for n = 1, #rows, 2 do
  local id = rows[n]
  local value = call('HGET', jobs, id)
  local tries = struct.unpack('>I4', value)
  value = struct.pack('>I4', tries + 1) .. sub(value, 5)
  call('HSET', jobs, id, value)
  call('ZADD', turns, ARGV[3], id)
  found[#found + 1] = id
  found[#found + 1] = moment(rows[n + 1])
  found[#found + 1] = value
end
return found
