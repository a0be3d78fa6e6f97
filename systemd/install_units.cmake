# Part of the installation: writes the units of pairloomd, which name it by the path it gets. That is known only now:
# `cmake --install build/release --prefix /usr`. The configuration file of a machine that has one is left alone.
#
# Set before: source (this folder), work (where to write), sbindir (relative to the prefix).

set(sbindir ${CMAKE_INSTALL_PREFIX}/${sbindir})
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(etc /etc/pairloom)
else()
  set(etc ${CMAKE_INSTALL_PREFIX}/etc/pairloom)
endif()
set(lib ${CMAKE_INSTALL_PREFIX}/lib)

function(install_as name from folder)
  configure_file(${source}/${from} ${work}/${name} @ONLY)
  file(INSTALL DESTINATION ${folder} TYPE FILE FILES ${work}/${name})
endfunction()

set(config ${etc}/pairloom.toml)
set(directory pairloom)
install_as(pairloomd.service pairloomd.service.in ${lib}/systemd/system)
set(config ${etc}/%i.toml)
set(directory pairloom/%i)
install_as(pairloomd@.service pairloomd.service.in ${lib}/systemd/system)
install_as(user/pairloomd.service pairloomd-user.service.in ${lib}/systemd/user)
install_as(pairloomd.socket pairloomd.socket ${lib}/systemd/system)
install_as(sysusers.d/pairloom.conf pairloom.sysusers.conf ${lib}/sysusers.d)
install_as(tmpfiles.d/pairloom.conf pairloom.tmpfiles.conf ${lib}/tmpfiles.d)
if(NOT EXISTS $ENV{DESTDIR}${etc}/pairloom.toml)
  install_as(pairloom.toml pairloom.toml ${etc})
endif()
