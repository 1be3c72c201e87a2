-- Lets others put the catalog back, if it is the caller who keeps them from it. KEYS: who puts it back. ARGV: the caller's mark.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return redis.status_reply('OK')
