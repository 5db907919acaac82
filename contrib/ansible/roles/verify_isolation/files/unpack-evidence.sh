#!/bin/sh
# unpack-evidence.sh ARCHIVE FOLDER: takes a packed run apart that came from a host, which may have put anything in it.
# It is listed first: regular files and folders below run/ alone, no way up, no more than MOST_FILES and MOST_OCTETS.
# Else nothing is unpacked, and the status is 1.
set -eu
archive=$1
folder=$2
most_files=${MOST_FILES:-100000}
most_octets=${MOST_OCTETS:-17179869184}

# --quoting-style: a line end in a name is not the end of a line
list=$(LC_ALL=C timeout 600 tar --list --verbose --gzip --quoting-style=escape --numeric-owner --file "$archive" |
	head -n $((most_files + 1)))
printf '%s\n' "$list" | LC_ALL=C awk -v most_files="$most_files" -v most_octets="$most_octets" '
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
		octets += $3
		if (++files > most_files) refuse("more than " most_files " files")
		if (octets > most_octets) refuse("more than " most_octets " octets")
	}
	END { if (!bad && files == 0) refuse("there is nothing in it") ; if (bad) exit 1 }
'
exec tar --extract --gzip --no-same-owner --no-same-permissions --keep-old-files --file "$archive" --directory "$folder"
