-- Folds a page of a log into a base that is being written.
-- KEYS: the stage of the base, the log or an older base. ARGV: cursor, how many entries about.
-- Answers the next cursor, "0" at the end.
local page = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
local items = page[2]
for i = 1, #items, 2 do
  if items[i + 1] == '-' then
    redis.call('HDEL', KEYS[1], items[i])
  else
    redis.call('HSET', KEYS[1], items[i], items[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], 600)
return page[1]
