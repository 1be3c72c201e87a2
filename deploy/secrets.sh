#!/bin/sh
# Makes what compose.yaml wants in deploy/secrets: passwords, the key of visitor tokens, and a certificate to try with.
# What is there stays. Replace tls/fullchain.pem and tls/privkey.pem by real ones.
set -eu
host=${1:-join.example.com}
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/secrets
umask 077
mkdir -p "$folder/tls"
chance() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
users=$here/redis/users.acl.example

if [ ! -e "$folder/storage" ]; then
  password=$(chance)
  sed -e '/^user operator /d' -e "s/>CHANGE-ME /#$(digest "$password") /" "$users" >"$folder/redis_users"
  printf 'redis://jinqun:%s@redis:6379' "$password" >"$folder/storage"
fi
# Who makes back-ups and looks after Redis by hand; instances never read it.
if [ ! -e "$folder/redis_admin" ]; then
  password=$(chance)
  {
    sed '/^user operator /d' "$folder/redis_users"
    sed -n "/^user operator /s/>CHANGE-ME-TOO /#$(digest "$password") /p" "$users"
  } >"$folder/redis_users.made"
  mv -f "$folder/redis_users.made" "$folder/redis_users"
  printf 'redis://operator:%s@redis:6379' "$password" >"$folder/redis_admin"
fi
[ -e "$folder/secret" ] || chance >"$folder/secret"
if [ ! -e "$folder/tls/privkey.pem" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$host" -addext "subjectAltName=DNS:$host" \
    -keyout "$folder/tls/privkey.pem" -out "$folder/tls/fullchain.pem" 2>/dev/null
fi
# The containers' own users read them; the folder keeps everybody else out.
chmod 0700 "$folder"
chmod 0444 "$folder/storage" "$folder/secret" "$folder/redis_users"
echo "deploy/secrets is ready for https://$host"
