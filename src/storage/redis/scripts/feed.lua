-- What all scripts of the feed share; each script follows this text. All keys are of the hash tag of the feed.
--
-- KEYS[1]  the last number that was given
-- KEYS[2]  entries: number -> value
-- KEYS[3]  numbers: id -> number
-- KEYS[4]  no entry has a number below this one
-- ARGV[1]  the beginning of the names of visitors' lists. Whose entries a script touches is known only inside it, so their names are
--          made here, with the tag of the other keys.
--
-- A value is the time (7 bytes), the length of the visitor (1 byte; 0 or 16) and the visitor, the lengths of the id (2 bytes) and of
-- the kind (1 byte) each followed by the text, and the body.

local call = redis.call
local last, entries, numbers, first = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function list_of(visitor)
  return ARGV[1] .. visitor
end

local function text(number)
  return string.format('%.0f', number)
end

local function keep(number, id, visitor, value)
  call('HSET', entries, number, value)
  call('HSET', numbers, id, number)
  if visitor ~= '' then call('SADD', list_of(visitor), number) end
end

-- Removes an entry, but not from its visitor's list.
local function remove(number, value)
  local _, _, id = struct.unpack('>i7Bc0I2c0', value)
  call('HDEL', entries, number)
  call('HDEL', numbers, id)
end
