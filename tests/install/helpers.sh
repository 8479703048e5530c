# Functions for what is done besides the README's commands, and besides those of tests/compat/library.sh.

# repacked PACKAGE: an upgrade of the installed package: the same files, and a version that is higher than any.
repacked() (
	files=$(mktemp -d)
	# Not the links that stand for directories of /usr.
	dpkg-query --listfiles "$1" | while read -r file; do
		[ -L "$file" ] && [ -d "$file" ] || printf '%s\n' ".$file"
	done | tar -C / --no-recursion -cf - -T - | tar -C "$files" -xpf -
	mkdir "$files/DEBIAN"
	dpkg-query --show --showformat '${Package}\n${Conffiles}\n' "$1" | sed -n 's/^ \(.*\) [0-9a-f]*$/\1/p' >"$files/DEBIAN/conffiles"
	printf '%s\n' "Package: $1" 'Version: 99' "Architecture: $(dpkg --print-architecture)" 'Maintainer: none <none@example.com>' \
		'Description: an upgrade' >"$files/DEBIAN/control"
	dpkg-deb -Znone --build "$files" "$files.deb" >/dev/null && cat "$files.deb"
	rm -r "$files" "$files.deb"
)

# primary_and_secondary: two instances without network services, both enabled.
primary_and_secondary() {
	no_chroot
	created postfix-a 'multi_instance_name = postfix-a' 'multi_instance_enable = yes'
	sed -i '/^smtp .*inet/d' /etc/postfix*/master.cf
}

# masters: the instances that run.
masters() {
	for lock in /var/spool/postfix*/pid/master.pid; do
		flock --nonblock "$lock" true || echo "$lock"
	done | cut -d / -f 4 | sort
}

# completed WORD...: what bash(1) offers for the last word.
completed() {
	bash -c '. /usr/local/share/bash-completion/completions/postmulti
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_postmulti postmulti "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
