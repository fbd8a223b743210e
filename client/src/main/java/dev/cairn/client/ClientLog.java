package dev.cairn.client;

import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.NOPLogger;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Loggers of the client. A program without any logging behind slf4j gets none, and no complaint of slf4j about that on its
 * standard error either: to depend on the client is enough.
 */
final class ClientLog {
    private static final boolean PROVIDED = isProvided();

    static Logger of(Class<?> type) {
        return PROVIDED ? LoggerFactory.getLogger(type) : NOPLogger.NOP_LOGGER;
    }

    /**
     * To be called before Netty is first used. Without provider Netty would ask slf4j, have it complain, and take the JDK's
     * logging: this spares the question.
     */
    static void chooseForNetty() {
        if (!PROVIDED) {
            InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
        }
    }

    /** As slf4j looks for one. */
    private static boolean isProvided() {
        if (System.getProperty(LoggerFactory.PROVIDER_PROPERTY_KEY) != null) {
            return true;
        }
        try {
            ClassLoader loader = LoggerFactory.class.getClassLoader();
            return ServiceLoader.load(SLF4JServiceProvider.class, loader)
                    .iterator()
                    .hasNext();
        } catch (ServiceConfigurationError e) {
            // There is one and it is broken: slf4j is to say so.
            return true;
        }
    }

    private ClientLog() {}
}
