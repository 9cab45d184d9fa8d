# cmake -DOBJECT=FILE -DBYTES=FILE -P embed.cmake: the bytes of the object as an array of C.
file(READ ${OBJECT} TEXT HEX)
string(LENGTH "${TEXT}" DIGITS)
math(EXPR SIZE "${DIGITS} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" TEXT "${TEXT}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," TEXT "${TEXT}")
file(WRITE ${BYTES} "/* Made of capture_bpf_program.c by the build. */
#include \"capture_bpf_object.h\"
_Alignas(8) const unsigned char capture_bpf_object[] = {\n${TEXT}\n};
const size_t capture_bpf_object_size = ${SIZE};
")
