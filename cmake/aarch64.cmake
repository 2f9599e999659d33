# Toolchain: aarch64 with Debian's g++-aarch64-linux-gnu, tests under qemu-user.
#   cmake -G Ninja -B build/aarch64 --toolchain cmake/aarch64.cmake
#
# The libraries that nibble uses are installed for this machine, not for aarch64, but all of them
# work as headers alone (GoogleTest as sources). cmake/aarch64/ stands in for their packages; it
# sees a folder of links, because -I/usr/include would mix this machine's headers into the build.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(CMAKE_FIND_PACKAGE_PREFER_CONFIG ON)
set(NIBBLE_CUDA OFF CACHE STRING "no CUDA toolkit for a cross build")
list(PREPEND CMAKE_PREFIX_PATH ${CMAKE_CURRENT_LIST_DIR}/aarch64)

get_property(trying GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT trying)
  set(NIBBLE_CROSS_HEADERS ${CMAKE_BINARY_DIR}/headers)
  file(MAKE_DIRECTORY ${NIBBLE_CROSS_HEADERS})
  foreach(name fmt nlohmann CLI xxhash.h xxh3.h)
    if(NOT EXISTS /usr/include/${name})
      message(FATAL_ERROR "/usr/include/${name} is missing: scripts/test.sh installs it")
    endif()
    file(CREATE_LINK /usr/include/${name} ${NIBBLE_CROSS_HEADERS}/${name} SYMBOLIC)
  endforeach()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/aarch64/libxxhash.pc.in
                 ${CMAKE_BINARY_DIR}/headers/libxxhash.pc @ONLY)
  set(ENV{PKG_CONFIG_LIBDIR} ${NIBBLE_CROSS_HEADERS})
endif()
