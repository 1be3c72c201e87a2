
-- ARGV: how many to leave out, how many at most. Returns id, when it was given up, and value for each, latest first.
local from = tonumber(ARGV[2])
local found, rows = {}, call('ZREVRANGE', dead, from, from + tonumber(ARGV[3]) - 1, 'WITHSCORES')
for n = 1, #rows, 2 do
  found[#found + 1] = rows[n]
  found[#found + 1] = moment(rows[n + 1])
  found[#found + 1] = call('HGET', jobs, rows[n])
end
return found
