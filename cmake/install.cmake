# cmake --install, and find_package(nibble) for those who link against it.
include(CMakePackageConfigHelpers)
