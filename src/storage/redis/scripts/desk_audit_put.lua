-- Puts records of the audit trail under their own numbers. KEYS: the last number, the trail. ARGV: number, record, number, record, ...
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
for at = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  last = math.max(last, tonumber(ARGV[at]))
end
redis.call('SET', KEYS[1], string.format('%d', last))
return last
