#!/bin/sh
# unpack-evidence.sh ARCHIVE FOLDER: takes a packed run apart that came from a host, which may have put anything in it.
# It is listed first: regular files and folders below run/ alone, no way up, no more than MAX_FILES and MAX_BYTES.
# Else nothing is unpacked, and the status is 1.
set -eu
archive=$1
folder=$2
max_files=${MAX_FILES:-100000}
max_bytes=${MAX_BYTES:-17179869184}

# --quoting-style: a line end in a name is not the end of a line
list=$(LC_ALL=C timeout 600 tar --list --verbose --gzip --quoting-style=escape --numeric-owner --file "$archive" |
	head -n $((max_files + 1)))
printf '%s\n' "$list" | LC_ALL=C awk -v max_files="$max_files" -v max_bytes="$max_bytes" '
	function refuse(why) { print "not unpacked: " why > "/dev/stderr"; bad = 1; exit 1 }
	NF == 0 { next }
	{
		kind = substr($1, 1, 1)
		# mode owner/group size date time name
		if (match($0, /^[^ ]+ +[^ ]+ +[0-9]+ +[0-9-]+ +[0-9:]+ /) == 0) refuse("a line that is none: " $0)
		name = substr($0, RLENGTH + 1)
		if (kind != "-" && kind != "d") refuse("neither a file nor a folder: " name)
		if (name !~ /^run(\/|$)/) refuse("not below run/: " name)
		if (("/" name "/") ~ /\/\.\.\//) refuse("a way up: " name)
		bytes += $3
		if (++files > max_files) refuse("more than " max_files " files")
		if (bytes > max_bytes) refuse("more than " max_bytes " bytes")
	}
	END { if (!bad && files == 0) refuse("there is nothing in it") ; if (bad) exit 1 }
'
exec tar --extract --gzip --no-same-owner --no-same-permissions --keep-old-files --file "$archive" --directory "$folder"
