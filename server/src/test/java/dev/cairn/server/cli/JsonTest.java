package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void valuesOfEveryKindAreRead() {
        assertThat(Json.parse(" {\"a\" : [1, -2.5, true, false, null, \"x\"], \"b\":{}, \"c\":[]} "))
                .isEqualTo(Map.of("a", Arrays.asList(1L, -2.5, true, false, null, "x"), "b", Map.of(), "c", List.of()));
        assertThat(Json.parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\""))
                .isEqualTo("\"\\/\b\f\n\r\té😀");
        assertThat(Json.parse("123456789012345678")).isEqualTo(123456789012345678L);
        assertThat(Json.parse("1e3")).isEqualTo(1000.0);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"a\"}",
                "{\"a\":1,}",
                "[1 2]",
                "01",
                "1.",
                "tru",
                "\"a",
                "\"\\x\"",
                "\"\\u12\"",
                "{a:1}",
                "{\"a\":1,\"a\":2}",
                "1 2",
                "\"\n\"",
                "'a'"
            })
    void whatIsNoJsonIsRefusedWithThePlace(String text) {
        assertThatThrownBy(() -> Json.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no JSON: at character ");
    }

    @Test
    void depthIsBounded() {
        assertThatThrownBy(() -> Json.parse("[".repeat(1000))).isInstanceOf(IllegalArgumentException.class);
    }
}
