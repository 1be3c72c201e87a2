#!/bin/sh
# Makes what compose.yaml wants in deploy/secrets: passwords, the key of visitor tokens, and a certificate to try with.
# Nothing that is there is changed. Replace tls/fullchain.pem and tls/privkey.pem by real ones.
set -eu
host=${1:-join.example.com}
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/secrets
umask 077
mkdir -p "$folder/tls"
chance() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

if [ ! -e "$folder/storage" ]; then
  password=$(chance)
  digest=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
  sed "s/>CHANGE-ME/#$digest/" "$here/redis/users.acl.example" >"$folder/redis_users"
  printf 'redis://jinqun:%s@redis:6379' "$password" >"$folder/storage"
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
