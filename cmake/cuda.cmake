# Decides whether CUDA variants are built and says why not. AUTO never fails; ON fails loudly.
set(NIBBLE_HAVE_CUDA OFF)
if(NIBBLE_CUDA STREQUAL "OFF")
  message(STATUS "nibble: CUDA is off: NIBBLE_CUDA=OFF was asked for")
else()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(NIBBLE_HAVE_CUDA ON)
    # Every object library names its architecture itself, see nibble_sm_flags().
    set(CMAKE_CUDA_ARCHITECTURES OFF)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # which ptxrun stands in for
    enable_language(CUDA)
    # Of nvcc's, CMake before 3.26 knows dialects up to 17.
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA_FLAGS_RELEASE "-O2 -DNDEBUG")
    set(CMAKE_CUDA_FLAGS_RELWITHDEBINFO "-O2 -g")
    find_package(CUDAToolkit REQUIRED)
    message(STATUS "nibble: CUDA is on: ${CMAKE_CUDA_COMPILER}")
  elseif(NIBBLE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "nibble: NIBBLE_CUDA=ON, but there is no CUDA compiler: put nvcc on PATH, "
                        "set CUDACXX, or configure with -DNIBBLE_CUDA=OFF")
  else()
    message(STATUS "nibble: CUDA is off: no nvcc on PATH and CUDACXX is not set")
  endif()
endif()
set(NIBBLE_HAVE_CUDA ${NIBBLE_HAVE_CUDA} CACHE INTERNAL "whether CUDA variants are built")
