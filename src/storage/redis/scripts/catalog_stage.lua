-- Stages changes of the catalog: what differs from the current values goes into the stage, what does not leaves it.
-- KEYS: the stage, then what the current version is made of, newest first.
-- ARGV: pairs of field and value, at most some hundred. A value is "+" and a body, or "-" for a removal.
-- Answers by how much the stage has grown for each kind, the first digit of a field.
local open = {}
for i = 1, #ARGV, 2 do
  open[#open + 1] = ARGV[i]
end
local current = {}
for source = 2, #KEYS do
  if #open == 0 then
    break
  end
  local found = redis.call('HMGET', KEYS[source], unpack(open))
  local rest = {}
  for i, field in ipairs(open) do
    if found[i] then
      current[field] = found[i]
    else
      rest[#rest + 1] = field
    end
  end
  open = rest
end
local grown = { 0, 0, 0, 0, 0, 0 }
for i = 1, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local kind = tonumber(string.sub(field, 1, 1))
  if value == (current[field] or '-') then
    grown[kind] = grown[kind] - redis.call('HDEL', KEYS[1], field)
  else
    grown[kind] = grown[kind] + redis.call('HSET', KEYS[1], field, value)
  end
end
redis.call('EXPIRE', KEYS[1], 600)
return grown
