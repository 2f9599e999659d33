# nibble_test(name SOURCES a.cpp ... LABELS quick|full [LIBS lib ...] [NO_GTEST]): one test program.
# Labels: quick (all under 60 s together), full, cuda, soak (by hand: fuzzing, long crash tests).
function(nibble_test name)
  if(NOT NIBBLE_TESTS)
    return()
  endif()
  cmake_parse_arguments(A "NO_GTEST" "TIMEOUT" "SOURCES;LABELS;LIBS;ARGS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE nibble nibble_flags ${A_LIBS})
  target_compile_definitions(${name} PRIVATE NIBBLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT A_NO_GTEST)
    find_package(GTest REQUIRED)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${A_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}" SKIP_RETURN_CODE 77)
  if("quick" IN_LIST A_LABELS AND NOT A_ARGS)
    set_property(GLOBAL APPEND PROPERTY NIBBLE_QUICK_TESTS ${name})
    if(NOT TARGET quick_tests)
      add_custom_target(quick_tests)  # what emulators and sanitizers build and run
    endif()
    add_dependencies(quick_tests ${name})
  endif()
  if(A_TIMEOUT)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT})
  endif()
endfunction()

# nibble_python_test(name SCRIPT test.py [ARGS ...] LABELS full): a Python test, run in build/venv,
# which scripts/venv.sh makes on first use. Where that is not possible the test is skipped and says
# why; the ci preset asks for NIBBLE_PYTHON_TESTS=ON, and then it fails.
function(nibble_python_test name)
  if(NOT NIBBLE_TESTS)
    return()
  endif()
  cmake_parse_arguments(A "" "SCRIPT" "LABELS;ARGS" ${ARGN})
  add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/scripts/venv.sh
    python ${CMAKE_CURRENT_SOURCE_DIR}/${A_SCRIPT} ${A_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}" TIMEOUT 1200)
  if(NOT NIBBLE_PYTHON_TESTS STREQUAL "ON")
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()
