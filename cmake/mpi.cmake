# MPI, for training by several processes. A library of its own: nothing else is linked with it.
set(NIBBLE_MPI AUTO CACHE STRING "training by several processes: ON, OFF, or AUTO (ON where MPI is)")
set_property(CACHE NIBBLE_MPI PROPERTY STRINGS AUTO ON OFF)

if(NIBBLE_MPI STREQUAL "OFF")
  set(why "NIBBLE_MPI is OFF")
elseif(CMAKE_CROSSCOMPILING)
  set(why "this is a cross build")
else()
  set(MPI_CXX_SKIP_MPICXX ON)  # the C++ bindings that MPI-3 removed
  find_package(MPI QUIET COMPONENTS CXX)
  set(why "MPI is not installed (Debian: libopenmpi-dev and openmpi-bin)")
endif()

set(NIBBLE_HAVE_MPI OFF CACHE INTERNAL "communicator_mpi.cpp is built")
if(MPI_CXX_FOUND)
  set(NIBBLE_HAVE_MPI ON CACHE INTERNAL "communicator_mpi.cpp is built")
  add_library(nibble_mpi STATIC src/nibble/runtime/communicator_mpi.cpp)
  target_link_libraries(nibble_mpi PUBLIC nibble PRIVATE MPI::MPI_CXX nibble_flags)
elseif(NIBBLE_MPI STREQUAL "ON")
  message(FATAL_ERROR "NIBBLE_MPI is ON, but ${why}")
else()
  message(STATUS "nibble trains in one process only: ${why}")
endif()
