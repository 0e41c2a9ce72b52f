# Accounts: made, changed, used through su, sudo, setpriv and runuser, and removed.
groupadd -g 1500 crew; useradd -m -s /bin/bash -u 1501 -g crew -G adm,audio -c 'Alice A' alice; echo "useradd $?"
echo alice:secret | chpasswd; echo "chpasswd $?"; passwd -S alice | cut -d' ' -f1,2; id alice; getent passwd alice; ls -ld /home/alice | cut -c1-10
stat -c '%U:%G %a %n' /home/alice /home/alice/.bashrc /etc/shadow /etc/gshadow /etc/passwd
su - alice -c 'id; pwd; umask; : >f; mkdir d; stat -c "%U:%G %a %n" f d; cat /etc/shadow; touch /etc/no; chown root f; chgrp adm f; stat -c "%U:%G %a" f' 2>&1
su alice -c 'kill -0 1; ls /root' 2>&1 | grep -v 'kill'; runuser -u alice -- id -un; setpriv --reuid=alice --regid=crew --init-groups id
usermod -l alix -d /home/alix -m alice; id alix; ls /home; gpasswd -a alix users >/dev/null; id -nG alix; chage -l alix | head -2 | tail -1
su alix -c 'rm -rf /home/alix/d; echo x >>/home/alix/f; ls -A ~ | sort'; su nobody -s /bin/sh -c 'cat /home/alix/f; echo y >/home/alix/f' 2>&1 | sed 's/^sh: [0-9]*: //'
groupmod -n team crew; stat -c %G /home/alix; chmod 2775 /home/alix; su alix -c 'mkdir ~/s; stat -c "%a %G" ~/s'
if command -v sudo >/dev/null; then
    sudo() { command sudo "$@" 2>&1 | grep -v 'audit message\|resolve host'; }   # the host takes audit messages of its own root alone
    echo 'alix ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alix; chmod 440 /etc/sudoers.d/alix; visudo -c >/dev/null; echo "visudo $?"
    sudo -u alix id -un; sudo -u alix sh -c 'echo $SUDO_USER $HOME'; sudo -l -U alix | tail -1; rm /etc/sudoers.d/alix
fi
if command -v systemd-sysusers >/dev/null; then
    printf 'g tests 2500\nu robot 2501:2500 "A robot" /var/lib/robot\nm alix tests\n' >/tmp/robot.conf; systemd-sysusers /tmp/robot.conf; echo "sysusers $?"
    getent passwd robot; id -nG alix; rm /tmp/robot.conf; userdel robot; groupdel tests
fi
userdel -r alix 2>/dev/null; echo "userdel $?"; ls /home; getent passwd alix; getent group team; groupdel team 2>/dev/null; pwck -r -q; grpck -r -q; echo $?
addgroup --quiet --system sys1 && adduser --quiet --system --no-create-home --home /nonexistent --ingroup sys1 sys1 && id -nG sys1; deluser --quiet sys1; groupdel sys1 2>/dev/null
