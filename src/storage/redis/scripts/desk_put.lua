-- Keeps a document or removes it, if its revision is the expected one.
-- KEYS: the documents of its kind. ARGV: id, expected revision or "", and for a document that is kept its body.
-- Answers 1 and the revision that it has since, 0 once it is gone; or 0 and the current revision if another one was expected.
local found = redis.call('HGET', KEYS[1], ARGV[1])
local current = found and tonumber(string.match(found, '^(%d+):')) or 0
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= current then
  return { 0, current }
end
if not ARGV[3] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return { 1, 0 }
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d:', current + 1) .. ARGV[3])
return { 1, current + 1 }
