-- Makes the next version of the catalog out of a stage, if the current one is what the publisher knows.
-- KEYS: version, records of versions, stage, log of the next version. ARGV: expected version, next version, its record, how many
-- changes it has, channel.
-- Answers 0 and the current version if that is another one, 1 and the next version when it is made, 2 if the stage is gone.
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
if current ~= tonumber(ARGV[1]) then
  return { 0, current }
end
local changes = tonumber(ARGV[4])
if redis.call('HLEN', KEYS[3]) ~= changes then
  return { 2, current }
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
if changes > 0 then
  redis.call('RENAME', KEYS[3], KEYS[4])
  redis.call('PERSIST', KEYS[4])
else
  redis.call('DEL', KEYS[4])
end
redis.call('SET', KEYS[1], ARGV[2])
-- Whoever misses this looks by itself; an account without the right to announce publishes nevertheless.
redis.pcall('PUBLISH', ARGV[5], ARGV[2])
return { 1, tonumber(ARGV[2]) }
