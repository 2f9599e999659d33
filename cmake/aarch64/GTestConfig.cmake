# Built from the sources that libgtest-dev brings along.
if(NOT TARGET nibble_gtest)
  set(gtest /usr/src/googletest/googletest)
  add_library(nibble_gtest STATIC EXCLUDE_FROM_ALL ${gtest}/src/gtest-all.cc
                                                   ${gtest}/src/gtest_main.cc)
  target_include_directories(nibble_gtest SYSTEM PUBLIC ${gtest}/include PRIVATE ${gtest})
  find_package(Threads REQUIRED)
  target_link_libraries(nibble_gtest PUBLIC Threads::Threads)
  foreach(name gtest gtest_main)
    add_library(GTest::${name} ALIAS nibble_gtest)
  endforeach()
endif()
