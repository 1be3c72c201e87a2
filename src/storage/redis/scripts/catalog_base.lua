-- Puts a base into use that has been written, and drops all but the newest two.
-- KEYS: the stage of the base, the base, the list of bases. ARGV: its version, what the names of bases begin with: of the bases that
-- are dropped only this script knows the names, which have the same hash tag.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PERSIST', KEYS[2])
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[1])
for _, old in ipairs(redis.call('ZRANGE', KEYS[3], 0, -3)) do
  redis.call('UNLINK', ARGV[2] .. old)
  redis.call('ZREM', KEYS[3], old)
end
return 1
