-- Lets go of what is known of visits beside their records.
--
-- KEYS: marks of the forgotten.
-- ARGV: the prefix of all other keys of this partition; then four for each visit:
--   'early', scan, '', ''                                     its early steps, which are with its record now
--   'gone', scan, '', ''                                      whose it is, too: its record was removed
--   'forgotten', scan, its mark, milliseconds since 1970      likewise, and what else comes of it

local prefix = ARGV[1]
for at = 2, #ARGV, 4 do
  local what, scan = ARGV[at], ARGV[at + 1]
  redis.call('DEL', prefix .. 'e' .. scan)
  if what ~= 'early' then redis.call('HDEL', prefix .. 'w' .. string.sub(scan, 1, 4), scan) end
  if what == 'forgotten' then redis.call('ZADD', KEYS[1], 'GT', ARGV[at + 3], ARGV[at + 2]) end
end
return 0
