# How a test is declared.

find_package(Threads REQUIRED)
find_package(PkgConfig)
if(PkgConfig_FOUND)
    pkg_check_modules(LIBVIRT IMPORTED_TARGET libvirt>=9.0.0)
endif()

# cargo names the file differently from the library, so programs find it by links with its real names.
set(JOBS_LIB_DIR "${CMAKE_BINARY_DIR}/lib")
file(MAKE_DIRECTORY "${JOBS_LIB_DIR}")
foreach(name libvirt-jobs.so libvirt-jobs.so.0)
    file(CREATE_LINK "${VIRT_JOBS_LIB}" "${JOBS_LIB_DIR}/${name}" SYMBOLIC)
endforeach()
string(REGEX REPLACE "\\.so$" ".a" VIRT_JOBS_STATICLIB "${VIRT_JOBS_LIB}")

# What a program is linked to: the library, with headers of its own (VirtJobs::own) or over libvirt's (VirtJobs::overlay).
foreach(way own overlay)
    add_library(VirtJobs::${way} INTERFACE IMPORTED)
    target_link_libraries(VirtJobs::${way} INTERFACE "${JOBS_LIB_DIR}/libvirt-jobs.so")
    target_link_options(VirtJobs::${way} INTERFACE "LINKER:-rpath,${JOBS_LIB_DIR}")
endforeach()
target_include_directories(VirtJobs::own INTERFACE "${VIRT_JOBS_INCLUDE}")

# The additions alone, as they are installed beside libvirt's own headers.
set(JOBS_OVERLAY_INCLUDE "${CMAKE_BINARY_DIR}/overlay")
file(MAKE_DIRECTORY "${JOBS_OVERLAY_INCLUDE}/libvirt")
file(CREATE_LINK "${VIRT_JOBS_INCLUDE}/libvirt/libvirt-jobs.h" "${JOBS_OVERLAY_INCLUDE}/libvirt/libvirt-jobs.h" SYMBOLIC)

if(TARGET PkgConfig::LIBVIRT)
    target_include_directories(VirtJobs::overlay INTERFACE "${JOBS_OVERLAY_INCLUDE}")
    target_link_libraries(VirtJobs::overlay INTERFACE PkgConfig::LIBVIRT)
    # What libvirt's own VIR_DOMAIN_EVENT_CALLBACK does.
    target_compile_options(VirtJobs::overlay INTERFACE -Wno-cast-function-type)
endif()

# What watches the programs, how much longer they may take then, and what it is told by the environment.
set(JOBS_RUNNER "")
set(JOBS_SLOWDOWN 1)
set(JOBS_TOOL_OPTIONS "")
if(VIRT_JOBS_TOOL STREQUAL "valgrind")
    find_program(VALGRIND valgrind REQUIRED)
    # What is only "possibly lost" is left out: Rust's hash tables and running threads are known by pointers to their
    # middle, which is all that this means.
    set(JOBS_RUNNER "${VALGRIND}" --quiet --error-exitcode=99 --num-callers=40 --leak-check=full
        --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect)
    set(JOBS_SLOWDOWN 20)
elseif(VIRT_JOBS_TOOL)
    # The runtime is the one that rustc brings, whole and visible to the library: clang's own may be too old for it.
    foreach(way own overlay)
        target_compile_options(VirtJobs::${way} INTERFACE -fsanitize=${VIRT_JOBS_TOOL} -fno-omit-frame-pointer -g)
        target_link_options(VirtJobs::${way} INTERFACE
            LINKER:--whole-archive "${VIRT_JOBS_RUNTIME}" LINKER:--no-whole-archive LINKER:--export-dynamic)
        target_link_libraries(VirtJobs::${way} INTERFACE Threads::Threads ${CMAKE_DL_LIBS} rt m)
    endforeach()
    set(JOBS_SLOWDOWN 10)
    set(JOBS_TOOL_OPTIONS
        # Sanitizers let nobody open a library with RTLD_DEEPBIND.
        "VIRT_JOBS_NO_DEEPBIND=1"
        "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1"
        "TSAN_OPTIONS=halt_on_error=1:suppressions=${PROJECT_SOURCE_DIR}/sanitizers/thread.supp")
endif()

# How every test is run: in a directory of its own, for so long at most, and 77 means skipped. Its labels are those that the
# directory has in JOBS_LABELS.
function(jobs_test_properties name timeout)
    set(work "${CMAKE_BINARY_DIR}/work/${name}")
    file(MAKE_DIRECTORY "${work}")
    math(EXPR timeout "${timeout} * ${JOBS_SLOWDOWN}")
    set_tests_properties(${name} PROPERTIES
        SKIP_RETURN_CODE 77
        TIMEOUT ${timeout}
        WORKING_DIRECTORY "${work}"
        LABELS "${JOBS_LABELS}"
        ENVIRONMENT "VIRT_JOBS_SOURCE=${VIRT_JOBS_SOURCE};VIRT_JOBS_LIB=${VIRT_JOBS_LIB};CC=${CMAKE_C_COMPILER};${JOBS_TOOL_OPTIONS}")
endfunction()

# jobs_test(NAME SOURCES FILE... [ARGS ARG...] [TIMEOUT SECONDS] [STANDARD 99|11|17] [OVERLAY])
#
# A program linked to the library and run, watched by VIRT_JOBS_TOOL if one is named; its label is `program`. OVERLAY:
# with libvirt's own headers and library under ours; left out where libvirt's development files are missing.
function(jobs_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "OVERLAY" "TIMEOUT;STANDARD" "SOURCES;ARGS")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 30)
    endif()
    if(NOT arg_STANDARD)
        set(arg_STANDARD 11)
    endif()
    if(arg_OVERLAY AND NOT TARGET PkgConfig::LIBVIRT)
        message(STATUS "no libvirt >= 9.0 here: ${name} is left out")
        return()
    endif()

    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES C_STANDARD ${arg_STANDARD})
    target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE $<IF:$<BOOL:${arg_OVERLAY}>,VirtJobs::overlay,VirtJobs::own> Threads::Threads)
    add_test(NAME ${name} COMMAND ${JOBS_RUNNER} $<TARGET_FILE:${name}> ${arg_ARGS})
    jobs_test_properties(${name} ${arg_TIMEOUT})
    set_property(TEST ${name} APPEND PROPERTY LABELS program)
endfunction()

# jobs_script_test(NAME TIMEOUT COMMAND...)
function(jobs_script_test name timeout)
    add_test(NAME ${name} COMMAND ${ARGN})
    jobs_test_properties(${name} ${timeout})
endfunction()
