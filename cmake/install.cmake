# cmake --install, and find_package(nibble) for those who link against it. The library, the headers
# that a caller needs, the program, the recipes. The harness stays at home.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nibble)

# What a static library was linked with, its users must find too: read off the target, so that a new
# dependency either reaches nibbleConfig.cmake or stops the configuration here.
set(find_Threads "find_dependency(Threads)")
set(find_OpenMP "find_dependency(OpenMP COMPONENTS CXX)")
set(find_fmt "find_dependency(fmt)")
set(find_nlohmann_json "find_dependency(nlohmann_json)")
set(find_CUDA "find_dependency(CUDAToolkit)")
set(find_MPI "find_dependency(MPI COMPONENTS CXX)")
get_target_property(linked nibble INTERFACE_LINK_LIBRARIES)
string(REGEX MATCHALL "[A-Za-z0-9_]+::" packages "${linked}")
list(REMOVE_DUPLICATES packages)
set(NIBBLE_FIND_DEPENDENCIES "")
foreach(package IN LISTS packages)
  string(REPLACE "::" "" package ${package})
  if(package STREQUAL "PkgConfig")
    string(REGEX MATCHALL "PkgConfig::[A-Za-z0-9_]+" modules "${linked}")
    foreach(module IN LISTS modules)
      string(REPLACE "PkgConfig::" "" module ${module})
      string(APPEND NIBBLE_FIND_DEPENDENCIES "find_dependency(PkgConfig)\n"
             "pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${${module}_MODULE_NAME})\n")
    endforeach()
  elseif(DEFINED find_${package})
    string(APPEND NIBBLE_FIND_DEPENDENCIES "${find_${package}}\n")
  else()
    message(FATAL_ERROR "nibble links with ${package}, and cmake/install.cmake does not say how "
                        "those who use an installed nibble find it: add set(find_${package} ...)")
  endif()
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/nibbleConfig.cmake.in
  ${CMAKE_BINARY_DIR}/generated/nibbleConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/nibbleConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

install(TARGETS nibble EXPORT nibble ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT nibble NAMESPACE nibble:: FILE nibbleTargets.cmake DESTINATION ${package_dir})
install(FILES ${CMAKE_BINARY_DIR}/generated/nibbleConfig.cmake
              ${CMAKE_BINARY_DIR}/generated/nibbleConfigVersion.cmake DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/nibble DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h"
  PATTERN harness EXCLUDE PATTERN kernels.h EXCLUDE PATTERN cases.h EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes
  DESTINATION ${CMAKE_INSTALL_DATADIR}/nibble OPTIONAL)
if(NIBBLE_APPS)
  set_target_properties(nibble_app PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS nibble_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
