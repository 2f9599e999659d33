# nibble_op(name HOST a.cpp ... AVX2 cpu_avx2.cpp AVX512_VNNI cpu_avx512_vnni.cpp
#           SM80 cuda_sm80.cu)
#
# All that the build knows of an op. CPU flags are a property of a file; CUDA architectures are a
# property of a target, so each architecture has one object library that all ops add files to.
# Generates per op the glue that erases its types for the harness, and once the registry that
# `verify all`, `bench`, `explain` and `doctor` walk.
#
# In the folder: <name>.h (contract), cases.h, test.cpp, bench.cpp. Variant v is cpu_v.cpp or
# cuda_v.cu.
set(NIBBLE_SMS SM80 SM89 SM90A SM100A SM120F)

function(nibble_sm_library sm)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  string(TOLOWER ${sm} lower)
  string(REPLACE sm "" number ${lower})
  set(code "sm_${number}")
  if(NIBBLE_PTX)
    set(code "[compute_${number},sm_${number}]")
  endif()
  add_library(nibble_${lower} OBJECT)
  # The -gencode pair is written out: bare -arch=sm_120a names another target than it seems to.
  set_target_properties(nibble_${lower} PROPERTIES CUDA_ARCHITECTURES OFF)
  target_compile_options(nibble_${lower} PRIVATE -std=c++20 -lineinfo
    -gencode arch=compute_${number},code=${code} --compress-mode=none
    -Xptxas=-v,-warn-spills,-warn-lmem-usage)
  target_include_directories(nibble_${lower} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_sources(nibble PRIVATE $<TARGET_OBJECTS:nibble_${lower}>)
  target_link_libraries(nibble PUBLIC CUDA::cudart)
endfunction()

function(nibble_op name)
  set(lists HOST AVX2 AVX512 AVX512_VNNI AVX512_BF16 AVX512_FP16 ${NIBBLE_SMS})
  cmake_parse_arguments(A "" "" "${lists}" ${ARGN})
  if(A_UNPARSED_ARGUMENTS)
    list(JOIN lists ", " lists)
    message(FATAL_ERROR "nibble_op(${name}): '${A_UNPARSED_ARGUMENTS}' stands in no list: ${lists}")
  endif()
  set(dir ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM A_HOST PREPEND ${dir}/)
  target_sources(nibble PRIVATE ${A_HOST})
  foreach(isa IN LISTS NIBBLE_ISAS)
    list(TRANSFORM A_${isa} PREPEND ${dir}/)
    target_sources(nibble PRIVATE ${A_${isa}})
    set_source_files_properties(${A_${isa}} TARGET_DIRECTORY nibble
                                PROPERTIES COMPILE_OPTIONS "${NIBBLE_FLAGS_${isa}}")
    set_property(GLOBAL APPEND PROPERTY NIBBLE_ISA_SOURCES ${A_${isa}})
  endforeach()
  if(NIBBLE_HAVE_CUDA)
    foreach(sm IN LISTS NIBBLE_SMS)
      if(A_${sm})
        string(TOLOWER ${sm} lower)
        if(NOT TARGET nibble_${lower})
          nibble_sm_library(${sm})
        endif()
        list(TRANSFORM A_${sm} PREPEND ${dir}/)
        target_sources(nibble_${lower} PRIVATE ${A_${sm}})
      endif()
    endforeach()
  endif()
  set_property(GLOBAL APPEND PROPERTY NIBBLE_OPS ${name})
  set_property(GLOBAL APPEND PROPERTY NIBBLE_OP_DIRS ${dir})

  set(glue ${CMAKE_BINARY_DIR}/generated/glue_${name}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/glue.cpp.in ${glue} @ONLY)
  target_sources(nibble_harness PRIVATE ${glue})

  if(NIBBLE_TESTS)
    nibble_test(${name}_test SOURCES ${dir}/test.cpp LIBS nibble_harness LABELS quick NO_GTEST)
    add_executable(${name}_bench ${dir}/bench.cpp)
    target_link_libraries(${name}_bench PRIVATE nibble_harness nibble_flags)
  endif()
endfunction()

# Called once after all ops: the registry, the source hashes, and the proofs that are still fresh.
function(nibble_finish_registry)
  get_property(ops GLOBAL PROPERTY NIBBLE_OPS)
  get_property(dirs GLOBAL PROPERTY NIBBLE_OP_DIRS)
  set(NIBBLE_REGISTRY_DECLARATIONS "")
  set(NIBBLE_REGISTRY_ENTRIES "")
  foreach(op IN LISTS ops)
    string(APPEND NIBBLE_REGISTRY_DECLARATIONS "const OpView& op_view_${op}();\n")
    string(APPEND NIBBLE_REGISTRY_ENTRIES "      &op_view_${op}(),\n")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/registry.cpp.in
                 ${CMAKE_BINARY_DIR}/generated/registry.cpp @ONLY)
  target_sources(nibble_harness PRIVATE ${CMAKE_BINARY_DIR}/generated/registry.cpp)

  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(proofs ${CMAKE_BINARY_DIR}/generated/proofs.cpp)
  file(GLOB inputs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/proofs/*.jsonl
       ${PROJECT_SOURCE_DIR}/src/nibble/*/*.h ${PROJECT_SOURCE_DIR}/src/nibble/*/*/*.h
       ${PROJECT_SOURCE_DIR}/src/nibble/ops/*/*.cpp ${PROJECT_SOURCE_DIR}/src/nibble/ops/*/*.cu)
  add_custom_command(OUTPUT ${proofs}
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/proofs.py
            --source ${PROJECT_SOURCE_DIR} --ops "${ops}" --out ${proofs}
    DEPENDS ${inputs} ${PROJECT_SOURCE_DIR}/cmake/proofs.py
    COMMENT "hashing variants and reading proofs" VERBATIM)
  target_sources(nibble PRIVATE ${proofs})
endfunction()
