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

# The flags of CUDA sources, of ops and of tests. The -gencode pair is written out: bare
# -arch=sm_120a names another target than it seems to. One call makes the PTX and the machine code
# that ptxas made of it: what ptxrun executes is what a GPU runs, and later GPUs compile the PTX of
# sm_80 for themselves. --fmad=false: we write fma where we mean it, as for the CPU.
# --expt-relaxed-constexpr: constexpr functions of numerics/ are the device's as well.
function(nibble_sm_flags sm out)
  string(TOLOWER ${sm} lower)
  string(REPLACE sm "" number ${lower})
  set(${out} -lineinfo -gencode arch=compute_${number},code=[compute_${number},sm_${number}]
      --compress-mode=none --expt-relaxed-constexpr --fmad=false
      $<$<BOOL:${NIBBLE_WERROR}>:-Werror=all-warnings> PARENT_SCOPE)
endfunction()

function(nibble_sm_library sm)
  string(TOLOWER ${sm} lower)
  nibble_sm_flags(${sm} flags)
  add_library(nibble_${lower} OBJECT)
  set_target_properties(nibble_${lower} PROPERTIES CUDA_ARCHITECTURES OFF)
  target_compile_options(nibble_${lower} PRIVATE ${flags})
  target_include_directories(nibble_${lower} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_sources(nibble PRIVATE $<TARGET_OBJECTS:nibble_${lower}>)
endfunction()

# Adds sources to the object library of an architecture, which is made when the first one comes.
function(nibble_sm_sources sm)
  string(TOLOWER ${sm} lower)
  if(NOT TARGET nibble_${lower})
    nibble_sm_library(${sm})
  endif()
  target_sources(nibble_${lower} PRIVATE ${ARGN})
endfunction()

# The device of ptxrun that a variant for `sm` is executed on: sm_90a for SM90A, sm_120 for SM120F.
function(nibble_virtual_device sm out)
  string(TOLOWER ${sm} device)
  string(REPLACE sm120f sm120 device ${device})
  string(REPLACE sm sm_ device ${device})
  set(${out} ${device} PARENT_SCOPE)
endfunction()

# Every CUDA variant on a virtual device of its architecture, beside the portable one, whose bits
# those of a bit-exact op must be: work of streams at once and as late as may be, warps in turns of
# one instruction and in long ones, races looked for.
function(nibble_ptxrun_tests op variant sm)
  if(NOT TARGET ptxrun OR NOT TARGET nibble_app)
    return()
  endif()
  nibble_virtual_device(${sm} device)
  foreach(schedule eager lazy)
    foreach(slice 1 4096)
      set(test ${op}_${variant}_${schedule}_${slice})
      add_test(NAME ${test}
        COMMAND ptxrun --device ${device} --schedule ${schedule} --slice ${slice}
                $<TARGET_FILE:nibble_app> verify ${op} --variant ${variant},portable)
      set_tests_properties(${test} PROPERTIES LABELS cuda TIMEOUT 120)
    endforeach()
  endforeach()
endfunction()

function(nibble_op name)
  set(lists HOST AVX2 AVX_VNNI AVX512 AVX512_VNNI AVX512_BF16 AVX512_FP16 ${NIBBLE_SMS})
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
        foreach(file IN LISTS A_${sm})
          nibble_sm_sources(${sm} ${dir}/${file})
          string(REGEX REPLACE "^cuda_(.*)\\.cu$" "\\1" variant ${file})
          set_property(GLOBAL APPEND PROPERTY NIBBLE_CUDA_VARIANTS "${name} ${variant} ${sm}")
        endforeach()
        # The table has rows for them: known to this file alone, so that nothing else is compiled
        # anew when CUDA is switched on.
        set_source_files_properties(${dir}/variants.cpp TARGET_DIRECTORY nibble
                                    PROPERTIES COMPILE_DEFINITIONS NIBBLE_CUDA=1)
      endif()
    endforeach()
  endif()
  set_property(GLOBAL APPEND PROPERTY NIBBLE_OPS ${name})
  set_property(GLOBAL APPEND PROPERTY NIBBLE_OP_DIRS ${dir})

  set(glue ${CMAKE_BINARY_DIR}/generated/glue_${name}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/glue.cpp.in ${glue} @ONLY)
  target_sources(nibble_harness PRIVATE ${glue})

  if(NIBBLE_TESTS)
    nibble_test(${name}_test SOURCES ${dir}/test.cpp LIBS nibble_all LABELS quick NO_GTEST)
    add_executable(${name}_bench ${dir}/bench.cpp)
    target_link_libraries(${name}_bench PRIVATE nibble_all nibble_flags)
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
       ${PROJECT_SOURCE_DIR}/src/nibble/cuda/*.cuh ${PROJECT_SOURCE_DIR}/src/nibble/*/*/*.cuh
       ${PROJECT_SOURCE_DIR}/src/nibble/ops/*/*.cpp ${PROJECT_SOURCE_DIR}/src/nibble/ops/*/*.cu)
  add_custom_command(OUTPUT ${proofs}
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/proofs.py
            --source ${PROJECT_SOURCE_DIR} --ops "${ops}" --out ${proofs}
    DEPENDS ${inputs} ${PROJECT_SOURCE_DIR}/cmake/proofs.py
    COMMENT "hashing variants and reading proofs" VERBATIM)
  target_sources(nibble PRIVATE ${proofs})
endfunction()
